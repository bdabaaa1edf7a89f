// Opens the API reference as a caller would: signs in by trying an operation, asks a report, looks for violations.
// node docs_page.mjs CHROMIUM URL USER PASSWORD PRODUCT
import { chromium } from "playwright-core";

const [executablePath, url, user, password, product] = process.argv.slice(2);
const flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
const browser = await chromium.launch({ executablePath, args: flags });
const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
const faults = [];
const foreign = [];
page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
page.on("pageerror", (error) => faults.push(String(error)));
page.on("request", (request) => {
  if (!request.url().startsWith(url) && !request.url().startsWith("data:")) foreign.push(request.url());
});

async function tryOut(id, body, parameters) {
  const block = page.locator(`[id$="-${id}"].opblock`);
  await block.locator(".opblock-summary-control").click();
  await block.locator(".try-out__btn").click();
  for (const [name, value] of Object.entries(parameters)) {
    await block.locator(`tr[data-param-name="${name}"] input`).fill(value);
  }
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  await block.locator("button.execute").click();
  const status = block.locator(".live-responses-table tbody .response-col_status").first();
  await status.waitFor();
  return (await status.innerText()).trim().slice(0, 3);
}

await page.goto(`${url}/docs`);
await page.locator(".opblock").first().waitFor();
const operations = await page.locator(".opblock").count();
const statuses = [
  await tryOut("requestCsrf", null, {}),
  await tryOut("login", { userName: user, password }, {}),
  await tryOut("genericDateRange", { startDate: "NOW-30", stopDate: "NOW", clientStatus: ["active"] }, { product_id: product }),
];
console.log(JSON.stringify({ operations, statuses, faults, foreign }));
await browser.close();
