// Names for who does not see what stands beside a field: Django's widgets leave some without.
const name = () => {
  const fields = "input:not([type=hidden]), select, textarea, [role=combobox], [role=textbox]";
  for (const row of document.querySelectorAll(".form-row, .inline-related tr")) {
    const words = row.querySelector("label, legend, .original p")?.innerText;
    for (const field of row.querySelectorAll(fields)) {
      if (field.labels?.length || field.ariaLabel) continue;
      field.removeAttribute("aria-labelledby"); // of a list that is searched: itself, empty
      field.ariaLabel = words || field.name;
    }
  }
  const sought = document.getElementById("searchbar");
  if (sought) sought.ariaLabel = sought.form.querySelector("[type=submit]").value;
  for (const tip of document.querySelectorAll("span.help-tooltip[aria-label]")) tip.role = "img";
};
// After the widgets, which jQuery starts in its own time.
addEventListener("load", () => (window.django?.jQuery ? django.jQuery(name) : name()));
