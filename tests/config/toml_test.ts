import { readToml } from "../../lib/config/toml.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

function read(text: string) {
  const { byName, problems } = readToml("x.toml", text);
  const texts = [...byName].map(([name, setting]) => [name, setting.texts]);
  return { texts: Object.fromEntries(texts), problems };
}

function problemsOf(text: string): readonly string[] {
  try {
    return readToml("x.toml", text).problems;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

for (
  const text of [
    'fluentd-url = "u"',
    'fluentd.url = "u"',
    'forward.fluentd.url = "u"',
    '[fluentd]\nurl = "u"',
    '[forward]\nfluentd.url = "u"',
    '[forward]\nfluentd-url = "u"',
    '[forward.fluentd]\nurl = "u"',
    '[ forward . "fluentd" ]\n  "url"="u" # comment',
    "fluentd = { url = 'u' }",
    '\uFEFF# Windows\r\n[forward.fluentd]\r\nurl = "u"\r\n',
  ]
) {
  Deno.test(`${JSON.stringify(text)} is a way to write fluentd-url`, () => {
    assertEquals(read(text), {
      texts: { "fluentd-url": ["u"] },
      problems: [],
    });
  });
}

Deno.test("a key may be cut at any of its dashes", () => {
  for (
    const text of [
      "teleport-refresh-enabled = true",
      "[teleport]\nrefresh-enabled = true",
      "[teleport]\nrefresh.enabled = true",
      "[teleport.refresh]\nenabled = true",
      "teleport.refresh.enabled = true",
    ]
  ) {
    assertEquals(read(text), {
      texts: { "teleport-refresh-enabled": ["true"] },
      problems: [],
    });
  }
});

Deno.test("sections stand in any order, also around each other", () => {
  for (
    const text of [
      '[teleport.refresh]\ninterval = "1m"\n[teleport]\naddr = "a:1"',
      '[teleport]\naddr = "a:1"\n[teleport.refresh]\ninterval = "1m"',
      'teleport.addr = "a:1"\n[teleport]\nrefresh-interval = "1m"',
      'teleport = { addr = "a:1" }\r\n[teleport.refresh]\r\ninterval = "1m"',
    ]
  ) {
    assertEquals(read(text), {
      texts: {
        "teleport-addr": ["a:1"],
        "teleport-refresh-interval": ["1m"],
      },
      problems: [],
    });
  }
});

Deno.test("values of all types arrive as they would be written in a flag", () => {
  assertEquals(
    read(`
batch = 1_000
concurrency = "7"
debug = true
types = ["a", "b"]
skip-event-types = "a,b"
skip-session-types = []
start-time = 2024-05-01T12:00:00.5+02:00 # a TOML date
`),
    {
      texts: {
        batch: ["1000"],
        concurrency: ["7"],
        debug: ["true"],
        types: ["a", "b"],
        "skip-event-types": ["a,b"],
        "skip-session-types": [""],
        "start-time": ["2024-05-01T12:00:00.5+02:00"],
      },
      problems: [],
    },
  );
});

Deno.test("lines of a text in a list are no keys of their own", () => {
  assertEquals(read('types = [\n"""\nbatch = 1\n"""\n]\nbatch = 9'), {
    texts: { types: ["batch = 1\n"], batch: ["9"] },
    problems: [],
  });
});

Deno.test("a TOML time in an inline table stays as it is written, too", () => {
  assertEquals(
    read('start = { time = 2024-05-01T12:00:00Z, id = "a" } # one').texts,
    { "start-time": ["2024-05-01T12:00:00Z"], "start-id": ["a"] },
  );
});

Deno.test("a TOML time without a zone stays without one", () => {
  assertEquals(read("start-time = 2024-05-01T12:00:00").texts, {
    "start-time": ["2024-05-01T12:00:00"],
  });
});

Deno.test("origins name the file, the line and the key", () => {
  const { byName } = readToml(
    "conf/x.toml",
    'storage = "a"\ntypes = [\n  "a",\n]\n\n[teleport]\naddr = "a:1"\nrefresh.interval = "1m"\n',
  );
  assertEquals([...byName.values()].map(({ origin }) => origin), [
    "conf/x.toml:1: storage",
    "conf/x.toml:2: types",
    "conf/x.toml:7: teleport.addr",
    "conf/x.toml:8: teleport.refresh.interval",
  ]);
});

Deno.test("a blank value counts as none, except that it empties a list", () => {
  assertEquals(read('cursor = ""\nbatch = ""\ntypes = ""'), {
    texts: { types: [""] },
    problems: [],
  });
});

Deno.test("an empty file and one of comments say nothing", () => {
  for (const text of ["", "\n\n", "# nothing\n", "  # nothing"]) {
    assertEquals(read(text), { texts: {}, problems: [] });
  }
});

Deno.test("the namespace of old files is ignored", () => {
  assertEquals(read('namespace = "default"'), { texts: {}, problems: [] });
});

const PROBLEMS: [text: string, problems: string[]][] = [
  [
    '\n[fluentd]\nulr = "u"',
    ['x.toml:3: unknown key "fluentd.ulr": did you mean "fluentd.url"?'],
  ],
  [
    '[forward.fluentd]\nulr = "u"',
    [
      'x.toml:2: unknown key "forward.fluentd.ulr": did you mean "forward.fluentd.url"?',
    ],
  ],
  ['storge = "u"', ['x.toml:1: unknown key "storge": did you mean "storage"?']],
  [
    '[teleport]\nadr = "a"',
    ['x.toml:2: unknown key "teleport.adr": did you mean "teleport.addr"?'],
  ],
  [
    "__proto__ = 5\n[teleport]\n__proto__.addr = 'a'\n[__proto__]\nx = 1",
    [
      'x.toml:1: unknown key "__proto__"',
      'x.toml:3: unknown key "teleport.__proto__.addr"',
      'x.toml:5: unknown key "__proto__.x"',
    ],
  ],
  [
    '[teleport]\nstorage = "s"',
    [
      'x.toml:2: unknown key "teleport.storage": write storage above the first [section]',
    ],
  ],
  [
    '[forward.fluentd]\nstorage = "s"\nlock.period = "1m"',
    [
      'x.toml:2: unknown key "forward.fluentd.storage": write storage above the first [section]',
      'x.toml:3: unknown key "forward.fluentd.lock.period": write lock-period above the first [section]',
    ],
  ],
  ['config = "u"', ["x.toml:1: config: cannot be given in a TOML file"]],
  ["json = true", ["x.toml:1: json: cannot be given in a TOML file"]],
  [
    '[forward]\nstorage = "s"',
    [
      'x.toml:2: unknown key "forward.storage": write storage above the first [section]',
    ],
  ],
  [
    'fluentd-url = "a"\n[forward.fluentd]\nurl = "a"',
    [
      "x.toml:3: forward.fluentd.url: is the same as x.toml:1: fluentd-url",
    ],
  ],
  ['storage = ["a"]', ["x.toml:1: storage: takes one value, not a list"]],
  ['types = ["a", ""]', ["x.toml:1: types: has a blank entry"]],
  [
    "types = [[1]]",
    ["x.toml:1: types: is neither text nor a number nor a switch"],
  ],
  [
    "[[storage]]\na = 1",
    ["x.toml:1: storage: takes one value, not a list"],
  ],
  [
    'storage = "s"\n[storage]\nx = 1',
    ['x.toml:3: unknown key "storage.x": did you mean "storage"?'],
  ],
  [
    '[forward]\nfluentd.url = "a"\n[forward.fluentd]\nurl = "b"',
    [
      'x.toml:4: "forward.fluentd.url" is there before, in line 2',
    ],
  ],
  [
    '[lock]\n\n[teleport]\nidentity = "C:\\Users\\me"',
    [
      "x.toml:4: is not TOML: Invalid code point NaN: write \\\\ for a backslash, or put the text in single quotes",
    ],
  ],
  [
    '[forward]\nfluentd = { url = "a", url = "b" }',
    ['x.toml:2: "forward.fluentd.url" is there before, in line 2'],
  ],
  [
    'teleport = { addr = "a:1" }\n[teleport]\naddr = "b:1"',
    ['x.toml:3: "teleport.addr" is there before, in line 1'],
  ],
  [
    'batch = 20 # see """ docs\nbatch = 30',
    ['x.toml:2: "batch" is there before, in line 1'],
  ],
  [
    "batch = 20 # '''\n\nbacth = 30",
    ['x.toml:3: unknown key "bacth": did you mean "batch"?'],
  ],
  [
    "teleport = { adr = x, key = 'k' }",
    ["x.toml:1: teleport: its value is not TOML: text stands in quotes"],
  ],
  ["batch = 1\nbatch = 2", ['x.toml:2: "batch" is there before, in line 1']],
  [
    '[fluentd]\nbatch = 7\nbatch.bytes = "1MiB"',
    [
      'x.toml:3: "fluentd.batch.bytes" is below "fluentd.batch", which has a value in line 2: write "fluentd.batch-bytes"',
    ],
  ],
  [
    'forward.fluentd.batch.bytes = "1MiB"\nforward.fluentd.batch = 7',
    [
      'x.toml:1: "forward.fluentd.batch.bytes" is below "forward.fluentd.batch", which has a value in line 2: write "forward.fluentd.batch-bytes"',
    ],
  ],
  [
    'teleport = { key = "k" }\nfluentd = { key = "k", key.passphrase.file = "p" }',
    [
      'x.toml:2: "fluentd.key.passphrase.file" is below "fluentd.key", which has a value in line 2: write "fluentd.key-passphrase-file"',
    ],
  ],
  [
    '[teleport]\naddr = "a"\n[lock]\n[teleport]\nkey = "k"\n"key" = "k"',
    [
      'x.toml:4: "teleport" is there before, in line 1',
      'x.toml:6: "teleport.key" is there before, in line 5',
    ],
  ],
  [
    'storage = "s"\ntimeout = 10s\n',
    ["x.toml:2: timeout: its value is not TOML: text stands in quotes"],
  ],
  [
    "storage = \n",
    ["x.toml:1: storage: its value is not TOML: text stands in quotes"],
  ],
  [
    'storage = "s\nbatch = 5\n',
    ["x.toml:1: is not TOML: Single-line string cannot contain EOL"],
  ],
  [
    "batch = 1\nstorage\n",
    [`x.toml:2: is not TOML: key/value pair doesn't have "="`],
  ],
  [
    "batch = 1\n= 5\n",
    ['x.toml:2: is not TOML: Unexpected character: "="'],
  ],
  ["\x7fELF\0\0", ["x.toml: is not a text file in UTF-8"]],
  [
    "batch = 5\n# f\uFFFDr Fluentd\n",
    ["x.toml:2: is not written in UTF-8: save the file as that"],
  ],
];

for (const [text, problems] of PROBLEMS) {
  Deno.test(`${JSON.stringify(text)} is refused in words`, () => {
    assertEquals(problemsOf(text), problems);
  });
}

Deno.test("lines that end with a carriage return alone are told, and nothing is left out unnoticed", () => {
  for (
    const [text, line] of [
      ['storage = "s"\r[teleport]\raddr = "a:1"\r', 1],
      ['batch = 5\n[teleport]\raddr = "a:1"\n', 2],
      ["# a comment\rbatch = 5\n", 1],
    ] as const
  ) {
    assertEquals(problemsOf(text), [
      `x.toml:${line}: is not TOML: a carriage return alone ends no line: save it with the line ends of Unix or Windows`,
    ]);
  }
});

Deno.test("what is not TOML is not repeated: it may be secret", () => {
  for (
    const text of ["header = hunter2", 'header = "hunter2', 'x = """hunter2']
  ) {
    const error = assertThrows(() => readToml("x.toml", text), ConfigError);
    assert(!error.message.includes("hunter2"), error.message);
  }
});

Deno.test("one wrong key does not hide another, nor what is right", () => {
  assertEquals(read('storge = "s"\nbatch = 5\ntmeout = "5s"'), {
    texts: { batch: ["5"] },
    problems: [
      'x.toml:1: unknown key "storge": did you mean "storage"?',
      'x.toml:3: unknown key "tmeout": did you mean "timeout"?',
    ],
  });
});
