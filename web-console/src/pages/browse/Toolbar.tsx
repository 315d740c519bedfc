import {
  ArchiveRestore,
  Download,
  FolderInput,
  FolderPlus,
  FolderUp,
  Pencil,
  RefreshCw,
  Share2,
  Trash2,
  Upload,
  X,
} from "lucide-react";
import { lazy, type ReactNode, Suspense, useRef, useState } from "react";
import { count, t } from "@/i18n";
import type { BrowseSearch } from "@/router";
import { Button, IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { picked } from "@/uploads/dropped";
import { upload } from "./DropZone";
import { downloadMany } from "./download";

const BringBackDialog = lazy(() => import("./BringBackDialog"));
const NewFolder = lazy(() => import("./NewFolder"));
const DeleteDialog = lazy(() => import("./DeleteDialog"));
const MoveDialog = lazy(() => import("./MoveDialog"));
const RenameDialog = lazy(() => import("./RenameDialog"));
const ShareDialog = lazy(() => import("../object/ShareDialog"));

interface Place {
  bucket: string;
  prefix: string;
}

interface ToolbarProps {
  place: Place;
  search: BrowseSearch;
  selection: ReadonlySet<string>;
  onClear: () => void;
  onChange: (change: BrowseSearch) => void;
  onReload: () => void;
  onRemoved: (keys: ReadonlySet<string>) => void;
}

export function Toolbar(props: ToolbarProps) {
  return (
    <div className="@container flex flex-wrap items-center gap-2 px-4 py-2">
      {props.selection.size === 0 ? (
        <PlaceTools {...props} />
      ) : props.search.deleted ? (
        <DeletedTools {...props} />
      ) : (
        <SelectionTools {...props} />
      )}
    </div>
  );
}

/** Words that are only for the ears where the toolbar is narrow. */
const WHERE_ROOM = "sr-only @xl:not-sr-only";

function PlaceTools({ place, search, onChange, onReload }: ToolbarProps) {
  const [making, setMaking] = useState(false);
  return (
    <>
      <UploadButton place={place} />
      <Button icon={FolderPlus} title={t("New folder")} onClick={() => setMaking(true)}>
        <span className={WHERE_ROOM}>{t("New folder")}</span>
      </Button>
      <Button
        icon={ArchiveRestore}
        aria-pressed={search.deleted ?? false}
        onClick={() => onChange({ deleted: search.deleted ? undefined : true })}
        title={t("Deleted")}
        className="aria-pressed:bg-accent-soft"
      >
        <span className={WHERE_ROOM}>{t("Deleted")}</span>
      </Button>
      <IconButton icon={RefreshCw} label={t("Load again")} onClick={onReload} />
      <Begins
        key={place.prefix + (search.begins ?? "")}
        text={search.begins ?? ""}
        onChange={(begins) => onChange({ begins })}
      />
      <Suspense>{making && <NewFolder place={place} onClose={() => setMaking(false)} onMade={onReload} />}</Suspense>
    </>
  );
}

function UploadButton({ place: { bucket, prefix } }: { place: Place }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const input = (ref: typeof files, label: string, whole: boolean) => (
    <input
      ref={ref}
      type="file"
      multiple
      webkitdirectory={whole ? "" : undefined}
      aria-label={label}
      className="hidden"
      onChange={(event) => {
        if (event.target.files) void upload(bucket, prefix, picked(event.target.files));
        event.target.value = "";
      }}
    />
  );
  return (
    <>
      <Menu
        trigger={
          <Button kind="primary" icon={Upload}>
            {t("Upload")}
          </Button>
        }
        items={[
          { label: t("Files"), icon: Upload, onSelect: () => files.current?.click() },
          { label: t("A folder"), icon: FolderUp, onSelect: () => folder.current?.click() },
        ]}
      />
      {input(files, t("Files to upload"), false)}
      {input(folder, t("Folder to upload"), true)}
    </>
  );
}

/** Narrows a folder to names that begin with a text; the server does it, so that it takes no longer in a huge one. */
function Begins({ text, onChange }: { text: string; onChange: (text: string | undefined) => void }) {
  return (
    <form
      className="basis-full @md:ml-auto @md:max-w-56 @md:min-w-24 @md:flex-1"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(String(new FormData(event.currentTarget).get("begins")) || undefined);
      }}
    >
      <input
        name="begins"
        type="search"
        defaultValue={text}
        aria-label={t("Only names that begin with")}
        placeholder={t("Name begins with …")}
        onChange={(event) => event.target.value === "" && onChange(undefined)}
        className="control"
      />
    </form>
  );
}

/** What can be done with what is no longer there. */
function DeletedTools({ place, selection, onClear, onReload }: ToolbarProps) {
  const [asked, setAsked] = useState(false);
  return (
    <>
      <Selected selection={selection} />
      <Button icon={ArchiveRestore} onClick={() => setAsked(true)}>
        {t("Bring back")}
      </Button>
      <IconButton icon={X} label={t("Select nothing")} onClick={onClear} />
      <Suspense>
        {asked && (
          <BringBackDialog
            bucket={place.bucket}
            keys={[...selection]}
            onClose={() => setAsked(false)}
            onChanged={onReload}
            onBack={onClear}
          />
        )}
      </Suspense>
    </>
  );
}

function Selected({ selection }: { selection: ReadonlySet<string> }) {
  return (
    <span role="status" className="text-sm font-medium">
      {count(selection.size, "{n} selected", "{n} selected")}
    </span>
  );
}

type Asked = "delete" | "move" | "rename" | "share";

function SelectionTools({ place, selection, onClear, onReload, onRemoved }: ToolbarProps) {
  const [asked, setAsked] = useState<Asked>();
  const keys = [...selection];
  const only = keys.length === 1 ? keys[0] : undefined;
  const object = only?.endsWith("/") ? undefined : only;
  const close = () => setAsked(undefined);
  const renamed = () => {
    onClear();
    onReload();
  };
  const dialogs: Record<Asked, () => ReactNode> = {
    delete: () => (
      <DeleteDialog bucket={place.bucket} keys={keys} onClose={close} onRemoved={onRemoved} onChanged={onReload} />
    ),
    move: () => <MoveDialog place={place} keys={keys} onClose={close} onChanged={onReload} onGone={onClear} />,
    rename: () => only && <RenameDialog bucket={place.bucket} objectKey={only} onClose={close} onRenamed={renamed} />,
    share: () => object && <ShareDialog bucket={place.bucket} objectKey={object} onClose={close} />,
  };
  return (
    <>
      <Selected selection={selection} />
      <Button icon={Download} onClick={() => downloadMany(place.bucket, place.prefix, keys)}>
        {t("Download")}
      </Button>
      {object && (
        <Button icon={Share2} onClick={() => setAsked("share")}>
          {t("Share")}
        </Button>
      )}
      {only && (
        <Button icon={Pencil} onClick={() => setAsked("rename")}>
          {t("Rename")}
        </Button>
      )}
      <Button icon={FolderInput} onClick={() => setAsked("move")}>
        {t("Copy or move")}
      </Button>
      <Button kind="risky" icon={Trash2} onClick={() => setAsked("delete")}>
        {t("Delete")}
      </Button>
      <IconButton icon={X} label={t("Select nothing")} onClick={onClear} />
      <Suspense>{asked && dialogs[asked]()}</Suspense>
    </>
  );
}
