import { lexer, type Token, type Tokens } from "marked";
import { createElement, Fragment, type ReactNode } from "react";

/** Markdown, drawn from its tokens: HTML in it stays text, and links lead only to the web. */
export default function Markdown({ text }: { text: string }) {
  return <div className="flex flex-col gap-3 text-sm wrap-anywhere">{drawAll(lexer(text))}</div>;
}

const drawAll = (tokens: Token[] | undefined): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no name and never move
  tokens?.map((token, index) => <Fragment key={index}>{draw(token)}</Fragment>);

const HEADINGS = ["", "text-xl font-semibold", "text-lg font-semibold", "font-semibold"];

function draw(token: Token): ReactNode {
  switch (token.type) {
    case "heading": {
      // The page has its own headings of the first two levels.
      const level = Math.min(6, (token as Tokens.Heading).depth + 2);
      return createElement(`h${level}`, { className: HEADINGS[Math.min(3, level - 2)] }, drawAll(token.tokens));
    }
    case "paragraph":
      return <p>{drawAll(token.tokens)}</p>;
    case "strong":
      return <strong>{drawAll(token.tokens)}</strong>;
    case "em":
      return <em>{drawAll(token.tokens)}</em>;
    case "del":
      return <del>{drawAll(token.tokens)}</del>;
    case "codespan":
      return <code className="rounded bg-raised px-1 font-mono text-xs">{token.text}</code>;
    case "code":
      return <pre className="overflow-auto rounded-md bg-raised p-3 font-mono text-xs">{token.text}</pre>;
    case "blockquote":
      return <blockquote className="border-l-4 border-line pl-3 text-muted">{drawAll(token.tokens)}</blockquote>;
    case "list":
      return drawList(token as Tokens.List);
    case "link":
      return drawLink(token as Tokens.Link);
    case "image":
      return <em>{token.text || token.href}</em>;
    case "table":
      return drawTable(token as Tokens.Table);
    case "hr":
      return <hr className="border-line" />;
    case "br":
      return <br />;
    case "space":
      return null;
    case "text":
      return token.tokens ? drawAll(token.tokens) : unescaped(token.text);
    case "escape":
      return token.text;
    default:
      return <span className="font-mono text-xs">{token.raw}</span>;
  }
}

/** The lexer may leave entities in texts; they are characters here, since React escapes anew. */
const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);

function drawList(list: Tokens.List): ReactNode {
  const className = `flex flex-col gap-1 pl-6 ${list.ordered ? "list-decimal" : "list-disc"}`;
  const items = list.items.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no name and never move
    <li key={index}>{drawAll(item.tokens)}</li>
  ));
  return list.ordered ? <ol className={className}>{items}</ol> : <ul className={className}>{items}</ul>;
}

function drawLink({ href, tokens }: Tokens.Link): ReactNode {
  if (!/^(https?:|mailto:)/i.test(href)) return <span>{drawAll(tokens)}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" className="link">
      {drawAll(tokens)}
    </a>
  );
}

function drawTable({ header, rows }: Tokens.Table): ReactNode {
  const cells = (row: Tokens.TableCell[], Cell: "td" | "th") =>
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no name and never move
    row.map((cell, index) => <Cell key={index}>{drawAll(cell.tokens)}</Cell>);
  return (
    <table className="table">
      <thead>
        <tr>{cells(header, "th")}</tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no name and never move
          <tr key={index}>{cells(row, "td")}</tr>
        ))}
      </tbody>
    </table>
  );
}
