/**
 * Makes a function that works on the newest arguments only: one call at a time, and of those that came meanwhile the last.
 * So a pen or a slider that moves fast never makes a queue at the server, and what is shown last is what was asked last.
 */
export function newestOnly(work) {
  let waiting = null;
  let isRunning = false;
  return async (...given) => {
    waiting = given;
    if (isRunning) return;
    isRunning = true;
    try {
      while (waiting) {
        const next = waiting;
        waiting = null;
        await work(...next);
      }
    } finally {
      isRunning = false;
    }
  };
}
