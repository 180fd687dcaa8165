/** What the rules of `parser.ts` stand on: loops over constructs that go on after a fault. */
import type { CstNode, IParserConfig, IRecognitionException, IToken, TokenType } from 'chevrotain';
import type { BalancedTokens } from './brackets.ts';
import { statementWords } from './bracket-context.ts';
import { CstParser, EOF, isRecognitionException } from '../chevrotain.ts';
import type { Construct } from './resume.ts';
import { indexOf, resumeAt } from './resume.ts';
import * as t from '../tokens.ts';

/** A fault and the construct that it ended: the tokens from `start` to the index `end` were given up. */
export interface Fault {
  readonly exception: IRecognitionException;
  readonly start: IToken;
  readonly end: number;
}

/** Beyond this many faults the text is no `.cnn` file. */
const MAX_FAULTS = 100;

/** The message of an exception is the name of what was expected: a token type's, or the ERR_MSG of a choice. */
const errorMessageProvider: NonNullable<IParserConfig['errorMessageProvider']> = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNoViableAltMessage: ({ customUserDescription }) => customUserDescription ?? 'nothing',
  buildEarlyExitMessage: ({ customUserDescription }) => customUserDescription ?? 'nothing',
  buildNotAllInputParsedMessage: () => 'EOF',
};

export interface ParsedFile {
  readonly tree: CstNode;
  /** At most one for each construct. */
  readonly faults: readonly Fault[];
}

export abstract class RecoveringParser extends CstParser {
  private balanced: BalancedTokens | undefined;
  private found: Fault[] = [];

  constructor(config: IParserConfig) {
    // Chevrotain's own recovery resumes at the nearest token that may follow, which reports one fault many times, and
    // calls itself once a fault. Here the loops over constructs recover: see `constructs`.
    super(t.vocabulary, {
      maxLookahead: 2,
      recoveryEnabled: false,
      nodeLocationTracking: 'none',
      errorMessageProvider,
      ...config,
    });
  }

  /** Runs the rule for a whole file over balanced tokens. */
  protected run(balanced: BalancedTokens, file: () => CstNode): ParsedFile {
    this.balanced = balanced;
    this.input = balanced.tokens;
    const tree = file();
    const faults = this.found;
    // Neither the tokens nor the faults outlive the call.
    this.input = [];
    this.found = [];
    this.balanced = undefined;
    return { tree, faults };
  }

  /** { construct } up to the closing bracket; one with a fault is left out, and the next one is tried. */
  protected constructs(kind: Construct, construct: () => void): void {
    if (this.RECORDING_PHASE) this.MANY(construct);
    else while (!this.atCloser()) this.attempt(kind, construct);
  }

  private attempt(kind: Construct, construct: () => void): void {
    const start = this.LA(1);
    try {
      construct();
    } catch (exception) {
      if (!isRecognition(exception) || !this.balanced || isBodyForRecord(exception, start)) throw exception;
      const { length } = this.balanced.tokens;
      const resumed = resumeAt(this.balanced, kind, start, exception.token);
      if (this.found.length < MAX_FAULTS) this.found.push({ exception, start, end: resumed });
      const next = this.found.length < MAX_FAULTS ? resumed : length;
      while (indexOf(this.LA(1), length) < next) this.SKIP_TOKEN();
    }
  }

  private atCloser(): boolean {
    const type = this.LA(1).tokenType;
    return type === t.RCurly || type === t.RParen || type === EOF;
  }

  /** The comma after an element of a list, which the last element may lack. */
  protected commaUnlessAt(closer: TokenType): void {
    if (this.RECORDING_PHASE) this.OPTION9(() => this.CONSUME9(t.Comma));
    else if (this.LA(1).tokenType !== closer) this.CONSUME9(t.Comma, { ERR_MSG: closer.name });
  }
}

/** `if a == { return x }`: the brace was taken for a record, so the fault is of what is around it. */
function isBodyForRecord({ token, context, message }: IRecognitionException, start: IToken): boolean {
  const isFirst = message === 'entry' && token === start && statementWords.has(token.tokenType);
  return isFirst && context.ruleStack.includes('operand');
}

function isRecognition(exception: unknown): exception is IRecognitionException {
  return exception instanceof Error && isRecognitionException(exception);
}
