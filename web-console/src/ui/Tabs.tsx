import { Tabs as Primitive } from "radix-ui";
import { type ReactNode, Suspense } from "react";

interface TabsProps {
  label: string;
  tabs: readonly (readonly [name: string, content: () => ReactNode])[];
  fallback?: ReactNode;
}

/** Several views of one thing, of which one is shown. */
export function Tabs({ label, tabs, fallback }: TabsProps) {
  return (
    <Primitive.Root defaultValue={tabs[0]?.[0]} className="flex min-h-0 grow flex-col">
      <Primitive.List aria-label={label} className="flex overflow-x-auto border-b border-line px-2">
        {tabs.map(([name]) => (
          <Primitive.Trigger
            key={name}
            value={name}
            className="-mb-px border-b-2 border-transparent px-2.5 py-2 text-sm font-medium whitespace-nowrap text-muted -outline-offset-2! data-[state=active]:border-accent data-[state=active]:text-ink"
          >
            {name}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map(([name, content]) => (
        <Primitive.Content key={name} value={name} className="p-4 -outline-offset-2!">
          <Suspense fallback={fallback}>{content()}</Suspense>
        </Primitive.Content>
      ))}
    </Primitive.Root>
  );
}
