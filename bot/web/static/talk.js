/** What a page loads with the first conversation: its messages, their Markdown, its stream. */
export { thread } from "./chat/thread.js";
