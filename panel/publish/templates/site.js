(function () {
  var d = document, r = d.documentElement, K = "panel-saved";
  r.className = "scripted";
  function saved() { try { return JSON.parse(localStorage.getItem(K)) || [] } catch (e) { return [] } }
  function item(e) {
    var li = d.createElement("li"), h = d.createElement("h3"), a = d.createElement("a"), p = d.createElement("p");
    li.className = "card"; a.href = r.dataset.root + e.u; a.textContent = e.n; p.textContent = e.t; p.className = "soft";
    h.append(a); li.append(h, p); return li;
  }
  function load(then) { fetch(r.dataset.root + "search.json").then(function (x) { return x.json() }).then(then, function () {}) }
  addEventListener("DOMContentLoaded", function () {
    d.querySelectorAll("[data-save]").forEach(function (b) {
      function paint() { var on = saved().indexOf(b.dataset.save) > -1; b.setAttribute("aria-pressed", on); b.firstChild.data = on ? "Saved" : "Save" }
      b.onclick = function () {
        var s = saved(), i = s.indexOf(b.dataset.save);
        i > -1 ? s.splice(i, 1) : s.push(b.dataset.save);
        try { localStorage.setItem(K, JSON.stringify(s)) } catch (e) {}
        paint();
      };
      paint();
    });
    var q = d.getElementById("q"), out = d.getElementById("found"), say = d.getElementById("said"), all;
    function find() {
      var w = q.value.toLowerCase().split(/\s+/).filter(Boolean);
      var hits = w.length ? all.filter(function (e) { return w.every(function (x) { return e.k.indexOf(x) > -1 }) }) : [];
      out.replaceChildren.apply(out, hits.slice(0, 30).map(item));
      say.textContent = w.length ? hits.length + " found" : "";
    }
    if (q) q.oninput = function () { all ? find() : load(function (x) { all = x; find() }) };
    var mine = d.getElementById("mine");
    if (mine) load(function (x) {
      var s = saved(), hits = x.filter(function (e) { return s.indexOf(e.u) > -1 });
      mine.replaceChildren.apply(mine, hits.map(item));
      d.getElementById("state").textContent = hits.length ? hits.length + " saved in this browser" : "Nothing saved yet";
    });
  });
})();
