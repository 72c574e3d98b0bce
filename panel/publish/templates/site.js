(function () {
  var d = document, r = d.documentElement, K = "panel-saved";
  r.className = "scripted";
  function saved() { try { return JSON.parse(localStorage.getItem(K)) || [] } catch (e) { return [] } }
  function item(e) {
    var li = d.createElement("li"), h = d.createElement("h2"), a = d.createElement("a"), p = d.createElement("p");
    li.className = "card"; a.href = r.dataset.root + e.u; a.textContent = e.n; p.textContent = e.t; p.className = "soft";
    h.append(a); li.append(h, p); return li;
  }
  function load(then, sorry) { fetch(r.dataset.root + "search.json").then(x => x.json()).then(then, sorry) }
  addEventListener("DOMContentLoaded", function () {
    d.querySelectorAll("[data-save]").forEach(function (b) {
      function paint() { var on = saved().includes(b.dataset.save); b.setAttribute("aria-pressed", on); b.firstChild.data = on ? "Saved" : "Save" }
      b.onclick = function () {
        var s = saved(), i = s.indexOf(b.dataset.save);
        i > -1 ? s.splice(i, 1) : s.push(b.dataset.save);
        try { localStorage.setItem(K, JSON.stringify(s)) } catch (e) {}
        paint();
      };
      paint();
    });
    var q = d.getElementById("q"), out = d.getElementById("found"), say = d.getElementById("said"), all, asked;
    function find() {
      var w = q.value.toLowerCase().split(/\s+/).filter(Boolean);
      var hits = w.length ? all.filter(e => w.every(x => e.k.includes(x))) : [];
      out.replaceChildren.apply(out, hits.slice(0, 30).map(item));
      say.textContent = w.length ? hits.length + " found" : "";
    }
    if (q) q.oninput = function () {
      if (all) return find();
      if (asked) return;
      asked = 1;
      load(x => { all = x; find() }, () => { asked = 0; say.textContent = "Search can’t be loaded" });
    };
    var mine = d.getElementById("mine"), state = d.getElementById("state");
    if (mine) load(x => {
      var s = saved(), hits = x.filter(e => s.includes(e.u));
      mine.replaceChildren.apply(mine, hits.map(item));
      state.textContent = hits.length ? hits.length + " saved in this browser" : "Nothing saved yet";
    }, () => { state.textContent = "The list can’t be loaded" });
  });
})();
