"""The channel e-mail: carriers that take mail out, inboxes that bring it in, one set of rules."""
