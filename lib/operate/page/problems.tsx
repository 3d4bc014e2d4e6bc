/**
 * The last ten problems, in words.
 *
 * @module
 */

import type { RunningReport } from "../status_report.ts";
import { Live } from "./live.tsx";
import { formatCount } from "../format_number.ts";
import { Moment, Since } from "./time.tsx";

/** The list; what is not over comes first, as it comes. */
export function Problems({ report: { run, time } }: { report: RunningReport }) {
  const problems = run.problems.toSorted((a, b) =>
    Number(a.over !== null) - Number(b.over !== null)
  );
  return (
    <Live id="problems" title="Problems">
      {problems.length === 0
        ? <p class="quiet">None since the start of the program.</p>
        : (
          <ul class="problems">
            {problems.map((problem) => (
              <li
                key={`${problem.what} ${problem.first}`}
                class={problem.over === null ? "bad" : "past"}
              >
                <strong>{problem.what}</strong> {problem.over === null
                  ? (
                    <>
                      <span class="badge bad">
                        <span aria-hidden="true">!</span> not over
                      </span>{" "}
                      since <Since at={problem.first} now={time} />
                    </>
                  )
                  : (
                    <>
                      from <Moment at={problem.first} /> to{" "}
                      <Moment at={problem.over} />
                    </>
                  )}
                {problem.times > 1 && `, ${formatCount(problem.times)} times`}
                <p class="error">{problem.error}</p>
              </li>
            ))}
          </ul>
        )}
    </Live>
  );
}
