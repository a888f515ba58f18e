// @ts-check
/**
 * Cards of different heights without holes between them, in the order of the document.
 *
 * The grid has low rows; each card's span is set whenever its height changes.
 */

/** Height of one row of the grid, px; `grid-auto-rows` in the style sheet. */
const ROW = 8;
/** Between two cards, px. */
const GAP = 16;

const observer = new ResizeObserver((entries) => {
  for (const { target, borderBoxSize } of entries) {
    const item = target.parentElement;
    if (item) item.style.gridRowEnd = `span ${Math.ceil((borderBoxSize[0].blockSize + GAP) / ROW)}`;
  }
});

/** @param {Element} item A child of the grid; its first child is the card. Let go of with the element. */
export function fitRows(item) {
  if (item.firstElementChild) observer.observe(item.firstElementChild);
}
