/** Reports: the server's newest, else the last one that is kept, with its age. */

/** @param {() => import("./types").Engine} engine @returns {import("./types").SyncClient["reports"]} */
export function openReports(engine) {
  return {
    async get(name) {
      const { error, ...report } = JSON.parse(await engine().report(name));
      return error ? { ...report, error } : report;
    },
  };
}
