export function Wordmark({ short }: { short?: boolean }) {
  return (
    <span style={{ display: "inline-flex", alignItems: "center", gap: 9 }}>
      <img src="/favicon.svg" width={24} height={24} alt="" />
      {!short && (
        <span data-word style={{ fontWeight: 650, fontSize: 15, letterSpacing: "-0.02em" }}>
          fluxtune
        </span>
      )}
    </span>
  );
}
