import { createApp, defineComponent, h, onMounted, ref } from "vue";
import { createTidings, useSubmit } from "tidings/vue";
import Reports from "./reports.vue";
import Words from "./words.vue";

const { key, token, grant, text, list } = window.given;

const AtOnce = defineComponent(() => {
  const { job, submit } = useSubmit("count_words");
  onMounted(() => {
    for (let twice = 0; twice < 2; twice += 1) void submit({ text: "one two three" });
  });
  return () => h("p", { id: "at-once" }, job.value.result?.words);
});

const Page = defineComponent(() => {
  const shown = ref(true);
  return () => h("main", [
    h("button", { onClick: () => { shown.value = !shown.value; } }, "Toggle"),
    shown.value && list && h(Reports, { grant }),
    shown.value && !list && h(Words, { text, token, grant: () => grant }),
    shown.value && key && h(AtOnce),
  ]);
});

const app = createApp(Page);
app.use(createTidings({ url: location.origin, options: key ? { credential: () => key } : {} }));
app.mount(document.body);
