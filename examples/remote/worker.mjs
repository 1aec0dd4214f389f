// A worker in JavaScript. It trains trials of a study until the study has its total.
//
//     export TUNER_SERVER=http://127.0.0.1:8000 TUNER_TOKEN=...
//     node worker.mjs remote
const study = `${process.env.TUNER_SERVER}/api/v1/studies/${process.argv[2]}`;
const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

async function post(place, body) { // a server that is away is asked again for minutes: each call can be repeated
  for (let tries = 1; ; tries++) {
    try {
      const answer = await fetch(`${study}/${place}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${process.env.TUNER_TOKEN}`, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      if (answer.status !== 503 || tries === 60) return answer;
    } catch (error) {
      if (tries === 60) throw error;
    }
    await pause(Math.min(tries / 2, 5));
  }
}

async function train(trial) {
  const { rate, decay, training } = trial.config;
  const told = (body) => ({ attempt: trial.attempt, ...body });
  for (let epoch = 1; epoch <= training.epochs; epoch++) {
    const error = Math.log10(rate / 0.03) ** 2 + decay ** epoch;
    const answer = await post(`trials/${trial.number}/epochs`, told({ epochs: [{ epoch, metrics: { error } }] }));
    if (!answer.ok) return console.error(await answer.text()); // another worker has the trial by now
    const { verdict } = await answer.json();
    if (verdict === "stop") return; // the trial has ended
    if (verdict === "suspend") return post(`trials/${trial.number}/release`, told({}));
  }
  await post(`trials/${trial.number}/complete`, told({}));
}

for (;;) {
  const answer = await post("ask", { worker: `node-${process.pid}` });
  if (answer.status === 410) break; // the study has its total
  if (answer.status === 204) await pause(1); // none now: one may still be given back
  else if (answer.ok) {
    const trial = await answer.json();
    await train(trial);
    console.log(`trial ${trial.number} has ended`);
  } else throw new Error(await answer.text());
}
