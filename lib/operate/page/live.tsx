/**
 * A part of the page that renews itself.
 *
 * @module
 */

import type { ComponentChildren } from "preact";

/** A part with a heading; `id` tells it from the others when it is renewed. */
export function Live(
  { id, title, children }: {
    id: string;
    title: string;
    children: ComponentChildren;
  },
) {
  return (
    <section aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <div id={id} data-live>{children}</div>
    </section>
  );
}
