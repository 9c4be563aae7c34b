import { deviceLanguage } from "../i18n.js";

/** An element that is drawn anew when its language changes, or what it shows. */
export class DrawnElement extends HTMLElement {
  #language = deviceLanguage();

  get language() {
    return this.#language;
  }

  set language(language) {
    this.#language = language;
    this.draw();
  }

  connectedCallback() {
    this.draw();
  }

  /** Shows what there is to show, if it is connected. */
  draw() {}
}
