import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/error";
import { onSessionBack, resumeSession } from "./api/session";
import { language, loadLanguage } from "./i18n";
import { useObservable } from "./lib/observable";
import { startTheme } from "./lib/theme";
import { router } from "./router";
import { SessionGate } from "./shell/SessionGate";
import "./styles.css";

const RETRIES_MAX = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < RETRIES_MAX && error instanceof ApiError && error.isTransient,
    },
  },
});

// What could not be asked for while nobody was signed in.
onSessionBack(() => void queries.invalidateQueries());

/** Everything is drawn anew in another language; uploads go on, they live outside. */
function App() {
  return (
    <SessionGate key={useObservable(language)}>
      <RouterProvider router={router} />
    </SessionGate>
  );
}

async function start(): Promise<void> {
  startTheme();
  await Promise.all([loadLanguage(), resumeSession()]);
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no place for the console");
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}

void start();
