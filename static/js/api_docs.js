// The calls to try out: Swagger UI in place of the list that the server wrote.
const root = document.documentElement;
const place = document.querySelector("#swagger");
const problem = location.hash.match(/^#[a-z-]+$/)?.[0];
const system = matchMedia("(prefers-color-scheme: dark)");

// Swagger UI knows its own class for dark.
const follow = () =>
  root.classList.toggle("dark-mode", root.dataset.bsTheme ? root.dataset.bsTheme === "dark" : system.matches);
new MutationObserver(follow).observe(root, { attributeFilter: ["data-bs-theme"] });
system.addEventListener("change", follow);
follow();

// What Swagger UI leaves without a name, and its second <main> in the page's own.
const NAMES = {
  "textarea.body-param__text": "Body",
  ".close-modal": "Close",
  ".body-param-content-type select, .content-type-wrapper select": "Content type",
};
const name = () => {
  for (const [selector, text] of Object.entries(NAMES))
    for (const each of place.querySelectorAll(selector)) each.setAttribute("aria-label", text);
  for (const each of place.querySelectorAll("tr[data-param-name] :is(input, select, textarea):not([aria-label])"))
    each.setAttribute("aria-label", each.closest("tr").dataset.paramName);
  for (const each of place.querySelectorAll(".microlight:not([tabindex])")) each.tabIndex = 0;
};
new MutationObserver(name).observe(place, { childList: true, subtree: true });

// Without its heading and its choice of servers: the page has the one, and there is one of the other.
const ours = ({ React: { createElement } }) => ({
  components: {
    DocsLayout: ({ getComponent }) =>
      createElement("div", { className: "swagger-ui" },
        createElement(getComponent("SvgAssets")),
        createElement(getComponent("AuthorizeBtnContainer", true)),
        createElement(getComponent("operations", true))),
    // A link within a button is neither.
    DeepLink: ({ text }) => createElement("span", null, text),
    authorizeOperationBtn: () => null,
  },
  statePlugins: {
    // The session is here already, in a cookie that no script reads.
    auth: {
      wrapSelectors: {
        definitionsToAuthorize: (original) => (state, ...rest) =>
          original(state, ...rest)?.filter((each) => !each.has("session")),
      },
    },
  },
});

const show = () => {
  document.querySelector("#calls").remove();
  document.querySelector("#try").hidden = false;
  // Where a problem's type leads moved when the calls came.
  if (problem) document.querySelector(problem)?.scrollIntoView();
};

globalThis.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  plugins: [ours],
  layout: "DocsLayout",
  // It takes any hash for a link to a call of its own, and rewrites it.
  deepLinking: !problem,
  docExpansion: "list",
  displayRequestDuration: true,
  validatorUrl: null,
  // The command for curl is for programs: it needs no X-CSRFToken.
  showMutatedRequest: false,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = place.dataset.csrf;
    return request;
  },
  onComplete: show,
});
