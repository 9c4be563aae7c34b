/** It comes without types. */
declare module "pouchdb-browser" {
  const PouchDB: any;
  export default PouchDB;
}
