import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import {
  Activity,
  Archive,
  HardDrive,
  KeyRound,
  type LucideIcon,
  Menu as MenuIcon,
  ScrollText,
  Search,
  Settings,
  UserRound,
  X,
} from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { currentSession, mayAdminister, signOut } from "@/api/session";
import { t } from "@/i18n";
import { useObservable } from "@/lib/observable";
import { IconButton } from "@/ui/Button";
import { Loading } from "@/ui/layout";
import { Menu } from "@/ui/Menu";
import { sayError, Toasts } from "@/ui/toasts";
import { uploads } from "@/uploads";
import { LanguageChoice, ThemeChoice } from "./choices";
import { Logo } from "./Logo";
import { SearchBox } from "./SearchBox";

const UploadPanel = lazy(() => import("@/uploads/UploadPanel"));

export function Shell() {
  const [menuOpen, setMenuOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const content = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone somewhere by the menu is done with it
  useEffect(() => {
    if (menuOpen) content.current?.focus();
    setMenuOpen(false);
  }, [path]);
  return (
    <div className="flex h-full flex-col">
      <a href="#content" className="sr-only z-50 bg-panel p-2 focus:not-sr-only focus:absolute">
        {t("Skip to the content")}
      </a>
      <header className="flex items-center gap-2 border-b border-line bg-panel px-3 py-1.5">
        <IconButton
          icon={menuOpen ? X : MenuIcon}
          label={t("Menu")}
          aria-expanded={menuOpen}
          onClick={() => setMenuOpen(!menuOpen)}
          className="md:hidden"
        />
        <Link to="/buckets" className="flex items-center gap-2 font-semibold">
          <Logo size={24} /> <span className="hidden sm:inline">Holdfast</span>
        </Link>
        <SearchBox />
        <div className="flex">
          <LanguageChoice />
          <ThemeChoice />
          <AccountMenu />
        </div>
      </header>
      <div className="relative flex min-h-0 grow">
        <nav
          aria-label={t("Main")}
          className={`${menuOpen ? "absolute inset-y-0 left-0 z-30 shadow-xl" : "hidden"} w-52 shrink-0 flex-col gap-0.5 border-r border-line bg-panel p-2 md:static md:flex md:shadow-none`}
        >
          <Links />
        </nav>
        <main ref={content} id="content" tabIndex={-1} className="min-w-0 grow overflow-auto outline-none">
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <Uploads />
      <Toasts />
    </div>
  );
}

function Links() {
  const { is_root, user_name } = currentSession();
  const sees = (action: string) => mayAdminister(action);
  const managesUsers = is_root || user_name !== null;
  return (
    <>
      <NavLink to="/buckets" icon={Archive} text={t("Buckets")} />
      <NavLink to="/search" icon={Search} text={t("Search")} />
      {managesUsers && <NavLink to="/access" icon={KeyRound} text={t("Users and access")} />}
      {sees("admin:Status") && <NavLink to="/cluster" icon={HardDrive} text={t("Drives and nodes")} />}
      {sees("admin:History") && <NavLink to="/activity" icon={Activity} text={t("Activity")} />}
      {sees("admin:ListRequests") && <NavLink to="/requests" icon={ScrollText} text={t("Request log")} />}
      <NavLink to="/server" icon={Settings} text={t("Server")} />
    </>
  );
}

type MainPath = "/buckets" | "/search" | "/access" | "/cluster" | "/activity" | "/requests" | "/server";

function NavLink({ to, icon: Icon, text }: { to: MainPath; icon: LucideIcon; text: string }) {
  return (
    <Link
      to={to}
      className="flex items-center gap-2.5 rounded-md px-2.5 py-2 text-sm font-medium hover:bg-raised aria-[current=page]:bg-accent-soft"
    >
      <Icon size={18} aria-hidden /> {text}
    </Link>
  );
}

function AccountMenu() {
  const { user_name, account, access_key } = currentSession();
  return (
    <Menu
      trigger={<IconButton icon={UserRound} label={t("Account of {name}", { name: user_name ?? account.name })} />}
      items={[
        { label: user_name ?? account.name, disabled: true, onSelect: () => {} },
        { label: access_key, disabled: true, onSelect: () => {} },
        { label: t("Sign out"), onSelect: () => void signOut().catch(sayError) },
      ]}
    />
  );
}

/** The panel of uploads, which is loaded when there is something to show. */
function Uploads() {
  const { items } = useObservable(uploads.view);
  if (items === 0) return null;
  return (
    <Suspense>
      <UploadPanel />
    </Suspense>
  );
}
