import { type ComponentProps, type ReactNode, useId } from "react";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  /** Renders the control with what ties it to its label and hint. */
  children: (control: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ReactNode;
}

/** A control with its label, what helps to fill it in, and what is wrong with it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = hint || error ? `${id}-about` : undefined;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": described, "aria-invalid": error ? true : undefined })}
      {described && (
        <p id={described} className={`text-sm ${error ? "text-danger" : "text-muted"}`}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

type Described = { label: string; hint?: ReactNode; error?: string };

export function TextField({ label, hint, error, className = "", ...rest }: ComponentProps<"input"> & Described) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => <input {...rest} {...control} className={`control ${className}`} />}
    </Field>
  );
}

type SelectProps = Omit<ComponentProps<"select">, "onChange"> &
  Described & { options: readonly (readonly [value: string, text: string])[]; onChange: (value: string) => void };

export function SelectField({ label, hint, error, options, onChange, ...rest }: SelectProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <select {...rest} {...control} onChange={(event) => onChange(event.target.value)} className="control">
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

type CheckProps = Omit<ComponentProps<"input">, "onChange"> & {
  label: ReactNode;
  hint?: ReactNode;
  onChange: (checked: boolean) => void;
};

export function CheckField({ label, hint, onChange, ...rest }: CheckProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-2">
      <input
        {...rest}
        id={id}
        type="checkbox"
        aria-describedby={hint ? `${id}-about` : undefined}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-1 size-4 shrink-0 accent-accent"
      />
      <div className="min-w-0">
        <label htmlFor={id} className="text-sm font-medium">
          {label}
        </label>
        {hint && (
          <p id={`${id}-about`} className="text-sm text-muted">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
