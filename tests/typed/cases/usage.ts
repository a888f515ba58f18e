/** What a user writes with the types of the kinds; compiled, never run. */
import { Tidings } from "tidings";
import { typed } from "./kinds.js";

const tidings = typed(new Tidings("http://host:8700"));
const price: number = await tidings.submit<"price">("price", { item: "tea", amount: 2 }, { delay: 3 }).result;
const tree = await tidings.submit("plant", { name: "root", children: [{ name: "leaf" }] }).result;
const names: string[] = (tree.children ?? []).map((child) => child.name);
const job = tidings.submit("paint", { colour: "red", either: { type: "left", value: 1 }, rows: [["2026-01-01"], ["2026-01-01", 3]] });
job.on("progress", ({ data }) => data.fraction);
for await (const event of job) console.log(event.seq, price, names);
const painted = await job.result;
if (painted?.type === "right") painted.value.toFixed();
tidings.submit("class.of-names", { class: "c", "order-id": 3 });
const [number, note]: [number, string] = await tidings.submit("deliver", { address: { street: "s" } }).result;
console.log(number, note, tidings.watch("q.1").token);
tidings.submit("nothing", {});
const counting = tidings.submit("count", { to: 3 });
for await (const step of counting.stream()) step.toFixed();
const counted: [number[], string, unknown[]] = [counting.chunks(), await counting.result, counting.chunks("other")];
const { value: grown } = await tidings.submit("grow", { name: "oak" }).stream("main", { from: 1 }).getReader().read();
console.log(counted, grown?.children);
// @ts-expect-error its chunks are numbers
for await (const step of tidings.submit("count", { to: 3 }).stream()) step.trim();
// @ts-expect-error there is no such kind
tidings.submit("prize", { item: "tea" });
// @ts-expect-error there is no such field
tidings.submit("price", { itm: "tea" });
// @ts-expect-error a text is wanted
tidings.submit("price", { item: 3 });
// @ts-expect-error the field is missing
tidings.submit("price", {});
// @ts-expect-error there is no such colour
tidings.submit("paint", { colour: "green", either: { type: "left", value: 1 }, rows: [] });
// @ts-expect-error the result is a number
const text: string = await tidings.submit("price", { item: "tea" }).result;
console.log(text);
// @ts-expect-error there is no such option
tidings.submit("price", { item: "tea" }, { dellay: 3 });
tidings.close();
