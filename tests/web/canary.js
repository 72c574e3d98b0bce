// Sings when script runs that nobody meant to run. `__report` is the test's; it hears through navigations too.
(() => {
  window.__canary = [];
  const hear = (what) => (...said) => {
    const words = [what, ...said.map(String)].join(" ");
    window.__canary.push(words);
    window.__report("canary", words);
    return null;
  };
  for (const name of ["canary", "alert", "confirm", "prompt", "open", "print"]) {
    window[name] = hear(name);
  }
  window.addEventListener("securitypolicyviolation", (event) => {
    window.__report("violation", `${event.effectiveDirective}: ${event.blockedURI || "inline"}`);
  });
})();
