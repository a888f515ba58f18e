/** What a page lacks for those who do not see it: names, an order of headings, landmarks. Evaluated in the page. */
() => {
    const shown = (one) => one.checkVisibility({ visibilityProperty: true });
    const named = (one) => [one.ariaLabel, one.textContent, one.title, ...[...(one.labels ?? [])].map((label) => label.textContent),
        document.getElementById(one.getAttribute("aria-labelledby"))?.textContent].some((name) => name?.trim());
    const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
    const wanting = all("button, a, input, select, summary, dialog, [role=table], [role=region], section, svg[role=img], canvas[role=img], [role=progressbar]")
        .filter((one) => !named(one)).map((one) => one.outerHTML.slice(0, 120));
    let level = 0;
    for (const heading of all("h1, h2, h3, h4")) {
        const next = Number(heading.localName[1]);
        if (next > level + 1) wanting.push(`${heading.localName} after h${level}: ${heading.textContent}`);
        level = next;
    }
    if (all("h1").length !== 1) wanting.push(`${all("h1").length} headings of the first level`);
    for (const mark of ["header", "nav", "main"]) if (all(`body > ${mark}, .frame > ${mark}`).length !== 1) wanting.push(`no ${mark}`);
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    wanting.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: #${id}`));
    for (const table of all("table")) {
        if ([...table.rows].some((row) => !row.querySelector("th"))) wanting.push(`rows without headings: ${table.caption?.textContent}`);
    }
    return wanting;
}
