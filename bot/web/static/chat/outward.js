/**
 * Links of an agent that may have been steered by text from outside. Those whose address a person
 * wrote themselves stay; the others lead to a page of ours that shows where they go.
 */
const ADDRESS = /https?:\/\/[^\s<>"'`|\\^{}]+/gi;
const TAIL = /[.,:;!?*_~\])]+$/;

/** Leads the outside links in `node` over the page of `conversation`; `said` are people's texts. */
export function lead(node, conversation, said) {
  const named = new Set(said.flatMap((text) => text.match(ADDRESS) ?? []).flatMap((address) => [address, address.replace(TAIL, "")]));
  for (const link of outside(node)) {
    const { address } = link.dataset;
    if (!named.has(address)) link.href = `/chat/${encodeURIComponent(conversation)}/out?to=${encodeURIComponent(address)}`;
  }
}

/** Takes away where links lead while their text is still being written. */
export function hold(node) {
  for (const link of outside(node)) link.removeAttribute("href");
}

function outside(node) {
  return node.querySelectorAll("a[data-address]");
}
