/** After a dialog whose button went with what it was about, the keyboard goes on at the page's beginning. */
export function focusWhenLost() {
  const { activeElement, body } = document;
  if (!activeElement || activeElement === body)
    document.getElementById("main")?.focus({ preventScroll: true });
}
