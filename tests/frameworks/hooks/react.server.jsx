import { renderToString } from "react-dom/server";
import { TidingsProvider } from "tidings/react";
import { Reports } from "./reports.tsx";
import { Report, Words } from "./words.tsx";

globalThis.WebSocket = class { constructor() { throw new Error("it connects"); } };
console.log(renderToString(
  <TidingsProvider url="http://127.0.0.1:1"><Words text="a" /><Report token="default.t" grant="g" /><Reports grant="g" /></TidingsProvider>,
));
try {
  renderToString(<Words text="a" />);
} catch (error) {
  console.log(error.message);
}
