/** Presses the one button of a page that a service sent somebody back to: some codes live half a minute. */
document.getElementById("finish").requestSubmit();
