/** `5 objects stay behind until a person acts`; `needPerson` as in `ObjectCopyFacts`, 1 or more. */
export function staysBehindText(needPerson: number): string {
  return needPerson === 1
    ? "1 object stays behind until a person acts"
    : `${needPerson} objects stay behind until a person acts`;
}
