/** Text that does not stand out enough from its ground (WCAG 2.2, 1.4.3). Evaluated in the page. */
() => {
    const paper = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        paper.clearRect(0, 0, 1, 1);
        paper.fillStyle = color;
        paper.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paper.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((one, at) => one * a + below[at] * (1 - a));
    const behind = (one) => {
        if (!one) return [255, 255, 255];
        const color = rgba(getComputedStyle(one).backgroundColor);
        return color[3] === 1 ? color.slice(0, 3) : over(color, behind(one.parentElement));
    };
    const light = (color) => {  // WCAG 2.2, relative luminance
        const [r, g, b] = color.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faint = [];
    for (const one of document.querySelectorAll("body *")) {
        const text = [...one.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data.trim()).join("");
        if (!text || !one.checkVisibility() || one.closest(".visually-hidden, noscript, :disabled, dialog:not([open])")) continue;
        const style = getComputedStyle(one);
        const ground = behind(one);
        const ink = over(rgba(one.closest("svg") ? style.fill : style.color), ground);
        const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${one.localName}.${one.className}: ${text.slice(0, 40)}`);
    }
    return faint;
}
