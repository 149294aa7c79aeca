import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect, useEffectEvent, useId, useRef } from "react";

import { call } from "@/api/call";
import { readDocument, type FieldProblem, type RecipeDocument } from "@/api/generated";
import { ProblemError, problemOf } from "@/api/problem";

import classes from "./RecipeEditor.module.css";
import { lineOf, readable } from "./recipeText";

interface RecipeEditorProps {
  text: string;
  /** Problems the server can't know of, such as a dataset that is not there. */
  further: FieldProblem[];
  onChange: (text: string) => void;
  /** Called with what a text says, whenever a new one could be read. */
  onRead: (document: RecipeDocument) => void;
}

const WAIT_MS = 300;

function problemsOf(error: unknown): FieldProblem[] {
  if (!error) return [];
  if (error instanceof ProblemError && error.problem.errors.length) return error.problem.errors;
  const { title, detail } = problemOf(error);
  return [{ field: "", message: `${title}. ${detail}` }];
}

/** The recipe as YAML. What is wrong is named with its line; what is right is taken over as it is typed. */
export function RecipeEditor({ text, further, onChange, onRead }: RecipeEditorProps) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [settled] = useDebouncedValue(text, WAIT_MS);
  const query = useQuery({
    queryKey: ["recipe text", settled],
    queryFn: () => call(readDocument({ body: { text: readable(settled) } })),
    retry: false,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const take = useEffectEvent((document: RecipeDocument) => settled === text && onRead(document));
  useEffect(() => {
    if (query.data) take(query.data);
  }, [query.data]);

  const isCurrent = settled === text && !query.isPending;
  const problems = [...problemsOf(query.error), ...(query.data ? further : [])];
  const bad = new Set(problems.map(({ message }) => lineOf(message)));
  const lines = text.split("\n");
  const goTo = (line: number) => {
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    area.current?.focus();
    area.current?.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  };

  return (
    <div className={classes.editor}>
      <div className={classes.standing} id={`${id}-standing`} role="status">
        {!isCurrent ? (
          <span className="dim small">Reading…</span>
        ) : problems.length === 0 ? (
          <span className="small">
            <CircleCheck size={14} aria-hidden className="good" /> Everything is understood.
          </span>
        ) : (
          <ul>
            {problems.map(({ field, message }) => {
              const line = lineOf(message);
              return (
                <li key={`${field} ${message}`} className="small">
                  <CircleAlert size={14} aria-hidden className="bad" />
                  {field && <span className="mono">{field}</span>}
                  {line === null ? (
                    message
                  ) : (
                    <button type="button" className={classes.go} onClick={() => goTo(line)}>
                      {message}
                    </button>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </div>
      <div className={classes.frame}>
        <div className={classes.gutter} aria-hidden>
          {lines.map((_, index) => (
            <span key={index} data-bad={(isCurrent && bad.has(index + 1)) || undefined}>
              {index + 1}
            </span>
          ))}
        </div>
        <textarea
          ref={area}
          className={classes.text}
          aria-label="Recipe as YAML"
          aria-describedby={`${id}-standing`}
          aria-invalid={isCurrent && problems.length > 0}
          value={text}
          rows={Math.max(12, lines.length)}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}
