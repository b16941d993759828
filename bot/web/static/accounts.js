/** What the page of connections loads: accounts at services. */
export { connectionsPage } from "./admin/connections.js";
