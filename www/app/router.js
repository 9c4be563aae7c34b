/**
 * Pages by address, with the History API: deep links, reload and Back work, offline too, because the worker answers every
 * page of the app with its one document.
 *
 * @typedef {{ title: string, node: Node, stop?: () => void, back?: string, section?: string, focus?: boolean }} Page
 * @typedef {(params: { [name: string]: string }, query: URLSearchParams) => Page | Promise<Page>} View
 */

export class Router {
  /** @type {{ pattern: RegExp, names: string[], view: View }[]} */
  #routes = [];
  #show;
  /** @type {Page | undefined} */
  #page;
  #visit = 0;

  /** @param {{ [path: string]: View }} routes @param {(page: Page) => void} show */
  constructor(routes, show) {
    this.#show = show;
    for (const [path, view] of Object.entries(routes)) {
      const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1]);
      this.#routes.push({ pattern: new RegExp(`^${path.replace(/:\w+/g, "([^/]+)")}$`), names, view });
    }
  }

  start() {
    history.scrollRestoration = "manual";
    addEventListener("popstate", (event) => void this.#open(event.state?.y ?? 0));
    document.addEventListener("click", (event) => this.#follow(event));
    return this.#open(history.state?.y ?? 0);
  }

  /** @param {string} path @param {{ replace?: boolean }} [options] */
  go(path, { replace = false } = {}) {
    if (replace) history.replaceState({}, "", path);
    else {
      this.#rememberPlace();
      history.pushState({ inside: true }, "", path);
    }
    return this.#open(0);
  }

  /** To where the user came from; from a deep link, to the page above. @param {string} above */
  back(above) {
    if (history.state?.inside) history.back();
    else void this.go(above, { replace: true });
  }

  refresh() {
    return this.#open(scrollY);
  }

  /** @param {number} y */
  async #open(y) {
    const visit = ++this.#visit;
    const { pathname, searchParams } = new URL(location.href);
    const path = pathname.replace(/(.)\/$/, "$1");
    const route = this.#routes.find(({ pattern }) => pattern.test(path)) ?? this.#routes[this.#routes.length - 1];
    const values = route.pattern.exec(path)?.slice(1) ?? [];
    const params = Object.fromEntries(route.names.map((name, n) => [name, decodeURIComponent(values[n] ?? "")]));
    const page = await route.view(params, searchParams);
    if (visit !== this.#visit) return page.stop?.(); // The user went elsewhere meanwhile.
    this.#page?.stop?.();
    this.#page = page;
    this.#show(page);
    scrollTo(0, y);
  }

  #rememberPlace() {
    history.replaceState({ ...history.state, y: scrollY }, "");
  }

  /** Links within the app do not load the document again. @param {MouseEvent} event */
  #follow(event) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = /** @type {HTMLAnchorElement | undefined} */ (
      event.composedPath().find((node) => node instanceof HTMLAnchorElement)
    );
    if (
      !link ||
      link.target ||
      link.hasAttribute("download") ||
      link.origin !== location.origin ||
      !link.getAttribute("href")?.startsWith("/")
    )
      return;
    event.preventDefault();
    void this.go(link.pathname + link.search);
  }
}
