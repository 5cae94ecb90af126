// Elements without markup in strings: what a tenant is called can never become a tag.

/** An element; `has` may hold attributes, `on...` listeners and `class`. Children: elements or text. */
export function element(name, has = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(has)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Change a text only where it differs: the browser then lays out nothing for nothing. */
export function say(target, text) {
  const node = typeof target === "string" ? byId(target) : target;
  if (node && node.textContent !== text) node.textContent = text;
}

/** What stands where a list would: a sentence, and what to do. */
export function nothing(title, words = "") {
  return element("div", { class: "empty" }, element("strong", {}, title), words && element("p", {}, words));
}
