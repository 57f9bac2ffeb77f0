const NAMESPACE = 'http://www.w3.org/2000/svg';
const LEFT = 56;
const BOTTOM = 22;

function element(name, attributes, text) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Draws readings `{ time, temperature, target }`, oldest first, over the last `span` milliseconds. */
export function drawChart(svg, readings, { span, show }) {
  const { width, height } = svg.getBoundingClientRect();
  if (width === 0 || readings.length === 0) return;
  const end = readings.at(-1).time;
  const values = readings.flatMap(({ temperature, target }) => [temperature, target]);
  const low = Math.floor(Math.min(...values) - 0.5);
  const high = Math.ceil(Math.max(...values) + 0.5);
  const x = (time) => LEFT + ((time - end + span) / span) * (width - LEFT - 8);
  const y = (value) => 6 + ((high - value) / (high - low)) * (height - BOTTOM - 6);
  const path = (key) =>
    readings
      .map((reading, at) => `${at ? 'L' : 'M'}${x(reading.time).toFixed(1)} ${y(reading[key]).toFixed(1)}`)
      .join('');
  const drawn = [];
  const step = Math.max(1, Math.ceil((high - low) / 5));
  for (let value = low; value <= high; value += step) {
    drawn.push(element('path', { class: 'grid', d: `M${LEFT} ${y(value)}H${width - 8}` }));
    drawn.push(element('text', { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, show(value)));
  }
  for (let minutes = 0; minutes * 60_000 <= span; minutes += width < 480 ? 5 : 2) {
    const label = minutes === 0 ? 'now' : `−${minutes} min`;
    const anchor = minutes === 0 ? 'end' : 'middle';
    drawn.push(
      element('text', { x: x(end - minutes * 60_000), y: height - 4, 'text-anchor': anchor }, label),
    );
  }
  drawn.push(element('path', { class: 'aim', d: path('target') }));
  drawn.push(element('path', { class: 'line', d: path('temperature') }));
  svg.replaceChildren(...drawn);
}
