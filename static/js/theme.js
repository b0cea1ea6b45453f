// Runs before the first paint, so that a chosen theme does not flash. Without a choice the system decides.
{
  const root = document.documentElement;
  root.classList.add("js");
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") root.dataset.bsTheme = chosen;
}
