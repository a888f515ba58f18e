// @ts-check
/**
 * Returns which rows are there: those in sight, and some around them.
 *
 * @param {number} top px scrolled away.
 * @param {number} height px in sight.
 * @param {number} row px of one.
 * @param {number} count Of all.
 * @param {number} margin Rows.
 */
export function slice(top, height, row, count, margin) {
  const first = Math.floor(Math.max(0, top) / row);
  const from = Math.max(0, Math.min(first - margin, count));
  const to = Math.max(from, Math.min(first + Math.ceil(height / row) + 1 + margin, count));
  return { from, to };
}
