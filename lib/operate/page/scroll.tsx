/**
 * What is wider than a phone.
 *
 * @module
 */

import type { ComponentChildren } from "preact";

/** Scrolls by itself to the side, by keyboard too, rather than with the page. */
export function Scroll(
  { name, children }: { name: string; children: ComponentChildren },
) {
  return (
    <div class="scroll" role="group" aria-label={name} tabIndex={0}>
      {children}
    </div>
  );
}
