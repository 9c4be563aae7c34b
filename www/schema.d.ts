/** The type of schema.json. Made by schema-types.mjs: make it again when the schema changes. */
export interface Schema {
  readonly schema: 1;
  readonly collections: readonly [
    {
      readonly name: "customers";
      readonly priority: 3;
      readonly mode: "optimistic";
      readonly title: "name";
      readonly access: { readonly kind: "owner"; readonly field: "owner" };
      readonly indexes: readonly ["name", "city", "next_visit"];
      readonly fields: {
        readonly code: {
          readonly type: "string";
          readonly length_max: 20;
          readonly pattern: "[A-Z]{2,4}-[0-9]{3,8}";
          readonly unique: true;
          readonly normalise: "upper";
        };
        readonly name: { readonly type: "string"; readonly required: true; readonly length_max: 120; readonly normalise: "trim" };
        readonly segment: {
          readonly type: "enum";
          readonly values: readonly ["retail", "horeca", "office", "industry", "government"];
          readonly policy: "latest";
        };
        readonly city: { readonly type: "string"; readonly length_max: 60; readonly policy: "latest"; readonly normalise: "trim" };
        readonly address: { readonly type: "string"; readonly length_max: 300 };
        readonly hours: {
          readonly type: "object";
          readonly by_member: true;
          readonly members: {
            readonly mon_fri: { readonly type: "string" };
            readonly sat: { readonly type: "string" };
            readonly sun: { readonly type: "string" };
          };
        };
        readonly phone: {
          readonly type: "string";
          readonly length_max: 30;
          readonly pattern: "[+0-9 ().-]{5,30}";
          readonly normalise: "phone";
        };
        readonly email: {
          readonly type: "string";
          readonly length_max: 120;
          readonly pattern: "[^@\\s]+@[^@\\s]+\\.[^@\\s]+";
          readonly normalise: "lower";
        };
        readonly contact: { readonly type: "string"; readonly length_max: 80 };
        readonly owner: { readonly type: "user"; readonly mode: "online" };
        readonly tags: { readonly type: "array"; readonly length_max: 20; readonly policy: "union" };
        readonly visits: { readonly type: "integer"; readonly min: 0; readonly max: 1000000; readonly policy: "sum" };
        readonly last_visit: { readonly type: "time"; readonly policy: "max" };
        readonly next_visit: { readonly type: "date"; readonly policy: "latest" };
        readonly notes: { readonly type: "string"; readonly length_max: 8000; readonly policy: "append" };
      };
    },
    {
      readonly name: "pipelines";
      readonly priority: 2;
      readonly mode: "optimistic";
      readonly title: "title";
      readonly access: { readonly kind: "via"; readonly field: "customer" };
      readonly indexes: readonly ["stage", "close_date"];
      readonly fields: {
        readonly customer: { readonly type: "reference"; readonly refers_to: "customers"; readonly required: true };
        readonly title: { readonly type: "string"; readonly required: true; readonly length_max: 120; readonly normalise: "trim" };
        readonly stage: {
          readonly type: "enum";
          readonly required: true;
          readonly mode: "validated";
          readonly values: readonly ["lead", "qualified", "proposal", "negotiation", "won", "lost"];
          readonly transitions: {
            readonly lead: readonly ["qualified", "lost"];
            readonly qualified: readonly ["lead", "proposal", "lost"];
            readonly proposal: readonly ["qualified", "negotiation", "lost"];
            readonly negotiation: readonly ["proposal", "won", "lost"];
            readonly won: readonly ["negotiation"];
            readonly lost: readonly ["lead"];
          };
        };
        readonly value: { readonly type: "object" };
        readonly probability: { readonly type: "integer"; readonly min: 0; readonly max: 100; readonly policy: "latest" };
        readonly close_date: { readonly type: "date"; readonly policy: "latest" };
        readonly note: { readonly type: "string"; readonly length_max: 4000; readonly policy: "append" };
      };
    },
    {
      readonly name: "activities";
      readonly priority: 1;
      readonly mode: "optimistic";
      readonly title: "subject";
      readonly access: { readonly kind: "via"; readonly field: "customer" };
      readonly indexes: readonly ["at"];
      readonly dated_by: "at";
      readonly fields: {
        readonly customer: { readonly type: "reference"; readonly refers_to: "customers"; readonly required: true };
        readonly pipeline: { readonly type: "reference"; readonly refers_to: "pipelines" };
        readonly kind: {
          readonly type: "enum";
          readonly required: true;
          readonly values: readonly ["visit", "call", "email", "meeting"];
          readonly policy: "latest";
        };
        readonly subject: { readonly type: "string"; readonly required: true; readonly length_max: 160; readonly normalise: "trim" };
        readonly at: { readonly type: "time"; readonly required: true };
        readonly note: { readonly type: "string"; readonly length_max: 4000; readonly policy: "append" };
        readonly outcome: {
          readonly type: "enum";
          readonly values: readonly ["interested", "ordered", "not-there", "refused", "follow-up"];
          readonly policy: "latest";
        };
        readonly position: { readonly type: "object" };
      };
    },
    {
      readonly name: "preferences";
      readonly priority: 4;
      readonly mode: "optimistic";
      readonly title: "language";
      readonly access: { readonly kind: "owner"; readonly field: "owner" };
      readonly fields: {
        readonly owner: { readonly type: "user"; readonly read_only: true };
        readonly language: { readonly type: "enum"; readonly values: readonly ["en", "id"]; readonly policy: "mine" };
        readonly theme: { readonly type: "enum"; readonly values: readonly ["light", "dark", "system"]; readonly policy: "mine" };
      };
    },
    {
      readonly name: "settings";
      readonly priority: 5;
      readonly mode: "online";
      readonly title: "company";
      readonly access: { readonly kind: "everyone" };
      readonly fields: {
        readonly company: { readonly type: "string"; readonly required: true; readonly length_max: 120 };
        readonly currency: { readonly type: "string"; readonly length_max: 3 };
        readonly visits_per_week: { readonly type: "integer"; readonly min: 0; readonly max: 200 };
      };
    },
  ];
}
