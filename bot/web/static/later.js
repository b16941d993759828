/** What a page loads once it is wanted: approval cards, the inbox, files, feedback. */
export { keepApproval, knownApproval, refreshApproval, refreshUnderway } from "./shared/approvals.js";
export { approvalCard } from "./shared/approval.js";
export { openInbox } from "./chat/inbox.js";
export { addFiles } from "./chat/files.js";
export { rate } from "./chat/feedback.js";
