/**
 * Those who look after a run: one scrapes its metrics, one has its page open.
 *
 * @module
 */

const INTERVAL_MS = 1_000;
const PATHS = ["/metrics", "/"];

/** Asks until it is stopped; `stop` returns how many answers there were. */
export function askEachSecond(port: number): { stop(): number } {
  let answers = 0;
  const ask = async (path: string) => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      await response.body?.cancel();
      answers++;
    } catch {
      // It does not listen yet, or not any more.
    }
  };
  const timer = setInterval(() => void PATHS.forEach(ask), INTERVAL_MS);
  return {
    stop() {
      clearInterval(timer);
      return answers;
    },
  };
}
