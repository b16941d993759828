/** What the pages of connections and of platforms load. */
export { channelsPage } from "./admin/channels.js";
export { connectionsPage } from "./admin/connections.js";
