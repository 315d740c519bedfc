const state = document.getElementById("state");
fetch("/-/health/cluster")
  .then((answer) => answer.json())
  .then((health) => {
    state.textContent = `${health.drives_up} of ${health.drives} drives up; ${health.status}.`;
  })
  .catch(() => {
    state.textContent = "The server did not answer.";
  });
