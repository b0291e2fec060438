// A server's /metrics page: what is read of it, and how the pages of one side add up.
import { describe, expect, test } from "vitest";
import { readAnswers, sumAnswers } from "../../../src/targets/server-metrics.ts";

function page(fast: number, all: number, answers: string): string {
  return `# HELP mlship_answers_total Rows predicted.
# TYPE mlship_answers_total counter
${answers}# HELP mlship_request_duration_seconds Time.
# TYPE mlship_request_duration_seconds histogram
mlship_request_duration_seconds_bucket{le="0.01"} ${fast}
mlship_request_duration_seconds_bucket{le="+Inf"} ${all}
mlship_request_duration_seconds_count ${all}
mlship_queue_wait_seconds_bucket{le="+Inf"} 9.0
`;
}

describe("readAnswers", () => {
  test("reads durations and answers, with what Prometheus escapes", () => {
    const text = page(
      3,
      4,
      'mlship_answers_total{answer="a \\\\ \\"b\\"\\n"} 2.0\nmlship_answers_total{answer="NaN"} 1e+06\n',
    );
    expect(readAnswers(text)).toEqual({
      seconds: [
        { bound: 0.01, count: 3 },
        { bound: Number.POSITIVE_INFINITY, count: 4 },
      ],
      said: { 'a \\ "b"\n': 2, NaN: 1_000_000 },
    });
  });

  test("a server that has said nothing yet counts; one of another make does not", () => {
    expect(readAnswers(page(0, 0, ""))).toMatchObject({ said: {} });
    expect(readAnswers("")).toBeNull();
    expect(readAnswers("# TYPE http_requests_total counter\nhttp_requests_total 3\n")).toBeNull();
    const without = page(0, 0, "").replaceAll("mlship_request_duration", "other_duration");
    expect(readAnswers(without)).toBeNull();
  });

  test("an answer may be called like a part of every object", () => {
    const said = readAnswers(page(0, 0, 'mlship_answers_total{answer="constructor"} 2.0\n'))?.said;
    expect(said).toEqual({ constructor: 2 });
    const server = { seconds: [{ bound: 1, count: 0 }], said: { constructor: 2 } };
    expect(sumAnswers([server, { ...server, said: {} }])?.said).toEqual({ constructor: 2 });
  });
});

describe("sumAnswers", () => {
  const one = { seconds: [{ bound: 1, count: 2 }], said: { yes: 1 } };

  test("adds servers of one side", () => {
    expect(sumAnswers([one, { ...one, said: { no: 4 } }])).toEqual({
      seconds: [{ bound: 1, count: 4 }],
      said: { yes: 1, no: 4 },
    });
  });

  test("says nothing when one of them does not count, or counts otherwise", () => {
    expect(sumAnswers([])).toBeNull();
    expect(sumAnswers([one, null])).toBeNull();
    expect(sumAnswers([one, { ...one, seconds: [{ bound: 2, count: 2 }] }])).toBeNull();
    expect(sumAnswers([one, { ...one, seconds: [...one.seconds, ...one.seconds] }])).toBeNull();
  });
});
