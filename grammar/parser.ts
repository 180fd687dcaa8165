/** The grammar's rules, one method each; they build a concrete syntax tree and nothing else. */
import type { CstNode, IParserConfig, ParserMethod } from 'chevrotain';
import type { BalancedTokens } from './recovery/brackets.ts';
import type { ParsedFile } from './recovery/recovering-parser.ts';
import { RecoveringParser } from './recovery/recovering-parser.ts';
import * as t from './tokens.ts';

type Rule = ParserMethod<[], CstNode>;

/** The parser of the language; make one and keep it, for making it analyses the grammar. */
export class CnnParser extends RecoveringParser {
  constructor(config: IParserConfig = { skipValidations: true }) {
    super(config);
    this.performSelfAnalysis();
  }

  /** The tree of a whole file and the faults in it. */
  parseFile(balanced: BalancedTokens): ParsedFile {
    return this.run(balanced, () => this.file());
  }

  private readonly file: Rule = this.RULE('file', () => {
    this.constructs('declaration', () => this.SUBRULE(this.declaration));
  });

  private readonly declaration: Rule = this.RULE('declaration', () => {
    this.OR({
      DEF: [
        { ALT: () => this.SUBRULE(this.import) },
        { ALT: () => this.SUBRULE(this.constant) },
        { ALT: () => this.SUBRULE(this.function) },
        { ALT: () => this.SUBRULE(this.block) },
        { ALT: () => this.SUBRULE(this.directive) },
      ],
      ERR_MSG: 'declaration',
    });
  });

  private readonly import: Rule = this.RULE('import', () => {
    this.CONSUME(t.Import);
    this.CONSUME(t.LCurly);
    this.AT_LEAST_ONE({
      DEF: () => {
        this.CONSUME(t.Identifier);
        this.commaUnlessAt(t.RCurly);
      },
      ERR_MSG: 'Identifier',
    });
    this.CONSUME(t.RCurly);
    this.CONSUME(t.From);
    this.CONSUME(t.StringToken);
  });

  private readonly constant: Rule = this.RULE('constant', () => {
    this.CONSUME(t.Const);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expression);
  });

  private readonly function: Rule = this.RULE('function', () => {
    this.CONSUME(t.Fn);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.CONSUME(t.Arrow);
    this.SUBRULE(this.type);
    this.SUBRULE(this.body);
  });

  private readonly block: Rule = this.RULE('block', () => {
    this.OR([{ ALT: () => this.CONSUME(t.Block) }, { ALT: () => this.CONSUME(t.Model) }]);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.OPTION(() => {
      this.CONSUME(t.Arrow);
      this.SUBRULE(this.type);
    });
    this.SUBRULE(this.body);
  });

  private readonly parameters: Rule = this.RULE('parameters', () => {
    this.CONSUME(t.LParen);
    this.constructs('parameter', () => {
      this.SUBRULE(this.parameter);
      this.commaUnlessAt(t.RParen);
    });
    this.CONSUME(t.RParen);
  });

  private readonly parameter: Rule = this.RULE('parameter', () => {
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.type);
    this.OPTION(() => {
      this.CONSUME(t.Assign);
      this.SUBRULE(this.expression);
    });
  });

  private readonly type: Rule = this.RULE('type', () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.LSquare);
      this.MANY(() => {
        this.SUBRULE(this.expression);
        this.commaUnlessAt(t.RSquare);
      });
      this.CONSUME(t.RSquare);
    });
  });

  private readonly body: Rule = this.RULE('body', () => {
    this.CONSUME(t.LCurly);
    this.constructs('statement', () => this.SUBRULE(this.statement));
    this.CONSUME(t.RCurly);
  });

  private readonly statement: Rule = this.RULE('statement', () => {
    this.OR({
      DEF: [
        { ALT: () => this.SUBRULE(this.let) },
        { ALT: () => this.SUBRULE(this.constant) },
        { ALT: () => this.SUBRULE(this.assert) },
        { ALT: () => this.SUBRULE(this.ifStatement) },
        { ALT: () => this.SUBRULE(this.return) },
      ],
      ERR_MSG: 'statement',
    });
  });

  private readonly let: Rule = this.RULE('let', () => {
    this.CONSUME(t.Let);
    this.SUBRULE(this.pattern);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expression);
  });

  private readonly pattern: Rule = this.RULE('pattern', () => {
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Identifier) },
        {
          ALT: () => {
            this.CONSUME(t.LParen);
            this.AT_LEAST_ONE({
              DEF: () => {
                this.CONSUME2(t.Identifier);
                this.commaUnlessAt(t.RParen);
              },
              ERR_MSG: 'Identifier',
            });
            this.CONSUME(t.RParen);
          },
        },
      ],
      ERR_MSG: 'Identifier',
    });
  });

  private readonly assert: Rule = this.RULE('assert', () => {
    this.CONSUME(t.Assert);
    this.SUBRULE(this.expression);
    this.OPTION(() => {
      this.CONSUME(t.Comma);
      this.CONSUME(t.StringToken);
    });
  });

  private readonly ifStatement: Rule = this.RULE('ifStatement', () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.body);
    this.OPTION(() => {
      this.CONSUME(t.Else);
      this.SUBRULE2(this.body);
    });
  });

  private readonly return: Rule = this.RULE('return', () => {
    this.CONSUME(t.Return);
    this.SUBRULE(this.expression);
  });

  /** Operators stand in a row here; their precedence is the tree builder's, which needs no stack for a long chain. */
  private readonly expression: Rule = this.RULE('expression', () => {
    this.SUBRULE(this.operand);
    this.MANY(() => {
      this.CONSUME(t.BinaryOperator);
      this.SUBRULE2(this.operand);
    });
    this.MANY2(() => {
      this.CONSUME(t.Pipe);
      this.SUBRULE(this.stage);
    });
  });

  private readonly operand: Rule = this.RULE('operand', () => {
    this.MANY(() => this.CONSUME(t.PrefixOperator));
    this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Identifier) },
        { ALT: () => this.CONSUME(t.NumberToken) },
        { ALT: () => this.CONSUME(t.StringToken) },
        { ALT: () => this.CONSUME(t.True) },
        { ALT: () => this.CONSUME(t.False) },
        { ALT: () => this.CONSUME(t.None) },
        { ALT: () => this.SUBRULE(this.parentheses) },
        { ALT: () => this.SUBRULE(this.list) },
        { ALT: () => this.SUBRULE(this.ifExpression) },
        { ALT: () => this.SUBRULE(this.entries) },
      ],
      ERR_MSG: 'value',
    });
    this.MANY2(() => this.SUBRULE(this.postfix));
  });

  private readonly postfix: Rule = this.RULE('postfix', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.arguments) },
      {
        ALT: () => {
          this.CONSUME(t.LSquare);
          this.SUBRULE(this.expression);
          this.CONSUME(t.RSquare);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Dot);
          this.CONSUME(t.KeyName);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.At);
          this.CONSUME(t.StringToken);
        },
      },
    ]);
  });

  /** A parenthesised expression or a tuple. */
  private readonly parentheses: Rule = this.RULE('parentheses', () => {
    this.CONSUME(t.LParen);
    this.AT_LEAST_ONE({
      DEF: () => {
        this.SUBRULE(this.expression);
        this.commaUnlessAt(t.RParen);
      },
      ERR_MSG: 'value',
    });
    this.CONSUME(t.RParen);
  });

  private readonly list: Rule = this.RULE('list', () => {
    this.CONSUME(t.LSquare);
    this.MANY(() => {
      this.SUBRULE(this.expression);
      this.commaUnlessAt(t.RSquare);
    });
    this.CONSUME(t.RSquare);
  });

  private readonly ifExpression: Rule = this.RULE('ifExpression', () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.CONSUME(t.Then);
    this.SUBRULE2(this.expression);
    this.CONSUME(t.Else);
    this.SUBRULE3(this.expression);
  });

  private readonly arguments: Rule = this.RULE('arguments', () => {
    this.CONSUME(t.LParen);
    this.MANY(() => {
      this.SUBRULE(this.argument);
      this.commaUnlessAt(t.RParen);
    });
    this.CONSUME(t.RParen);
  });

  private readonly argument: Rule = this.RULE('argument', () => {
    this.OPTION(() => {
      this.CONSUME(t.KeyName);
      this.CONSUME(t.Assign);
    });
    this.SUBRULE(this.expression);
  });

  private readonly stage: Rule = this.RULE('stage', () => {
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Identifier, { LABEL: 'label' }) },
        { ALT: () => this.CONSUME(t.StringToken, { LABEL: 'label' }) },
      ]);
      this.CONSUME(t.Colon);
    });
    this.OR2({
      DEF: [
        { ALT: () => this.SUBRULE(this.callStage) },
        { ALT: () => this.SUBRULE(this.seqStage) },
        { ALT: () => this.SUBRULE(this.forStage) },
        { ALT: () => this.SUBRULE(this.ifStage) },
      ],
      ERR_MSG: 'stage',
    });
  });

  private readonly callStage: Rule = this.RULE('callStage', () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => this.SUBRULE(this.arguments));
  });

  private readonly seqStage: Rule = this.RULE('seqStage', () => {
    this.CONSUME(t.Seq);
    this.SUBRULE(this.stages);
  });

  private readonly forStage: Rule = this.RULE('forStage', () => {
    this.CONSUME(t.For);
    this.SUBRULE(this.pattern);
    this.CONSUME(t.In);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.stages);
  });

  private readonly ifStage: Rule = this.RULE('ifStage', () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.stages);
    this.OPTION(() => {
      this.CONSUME(t.Else);
      this.SUBRULE2(this.stages);
    });
  });

  private readonly stages: Rule = this.RULE('stages', () => {
    this.CONSUME(t.LCurly);
    this.constructs('stage', () => {
      this.SUBRULE(this.stage);
      this.OPTION(() => this.CONSUME(t.Semicolon));
    });
    this.CONSUME(t.RCurly);
  });

  private readonly directive: Rule = this.RULE('directive', () => {
    this.CONSUME(t.Identifier, { LABEL: 'word' });
    this.OPTION(() => this.CONSUME2(t.Identifier, { LABEL: 'name' }));
    this.OPTION2(() => {
      this.CONSUME(t.For);
      this.CONSUME3(t.Identifier, { LABEL: 'target' });
    });
    this.SUBRULE(this.entries);
  });

  private readonly entries: Rule = this.RULE('entries', () => {
    this.CONSUME(t.LCurly);
    this.constructs('entry', () => {
      this.SUBRULE(this.entry);
      this.OPTION(() => this.CONSUME(t.Separator));
    });
    this.CONSUME(t.RCurly);
  });

  private readonly entry: Rule = this.RULE('entry', () => {
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.KeyName);
            this.SUBRULE(this.entries);
          },
        },
        {
          ALT: () => {
            this.CONSUME2(t.KeyName);
            this.CONSUME(t.Assign);
            this.SUBRULE(this.expression);
          },
        },
        { ALT: () => this.SUBRULE2(this.expression) },
      ],
      ERR_MSG: 'entry',
    });
  });
}
