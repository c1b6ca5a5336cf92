/**
 * Makes a function that runs one call at a time, and of the calls made meanwhile only the last.
 * So a fast pen or slider makes no queue at the server, and the page ends with the answer to the last request.
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
