import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { TidingsProvider, useSubmit } from "tidings/react";
import { Reports } from "./reports.tsx";
import { Report, Words } from "./words.tsx";

const { key, token, grant, text, list } = window.given;

function AtOnce() {
  const { submit, result } = useSubmit("count_words");
  useEffect(() => void submit({ text: "one two three" }), [submit]);
  return <p id="at-once">{result?.words}</p>;
}

function Page() {
  const [shown, setShown] = useState(true);
  const [fresh, setFresh] = useState(grant);
  window.renew = setFresh;
  if (list) {
    return (
      <main>
        <button onClick={() => setShown(!shown)}>Toggle</button>
        {shown && <Reports grant={fresh} />}
      </main>
    );
  }
  return (
    <main>
      <button onClick={() => setShown(!shown)}>Toggle</button>
      {shown && <Words text={text} />}
      {shown && <Report token={token} grant={() => grant} />}
      {shown && key && <AtOnce />}
    </main>
  );
}

createRoot(document.body).render(
  <StrictMode>
    <TidingsProvider url={location.origin} options={key ? { credential: () => key } : {}}><Page /></TidingsProvider>
  </StrictMode>,
);
