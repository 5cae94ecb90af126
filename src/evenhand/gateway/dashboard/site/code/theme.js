// Light or dark: as the system says, or as the reader chose. Runs before anything is painted.
(() => {
  const chosen = localStorage.getItem("evenhand-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
