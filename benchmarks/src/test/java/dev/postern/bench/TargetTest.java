package dev.postern.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class TargetTest {

    @Test
    void theBoundItselfMeetsIt() {
        assertThat(Target.atLeast(35).verdict(35)).isEqualTo("met");
        assertThat(Target.atMost(25).verdict(25)).isEqualTo("met");
    }

    @Test
    void saysByWhichShareOfTheBoundItIsMissed() {
        assertThat(Target.atLeast(0.6).verdict(0.45)).isEqualTo("missed by 25 %");
        assertThat(Target.atMost(25).verdict(30)).isEqualTo("missed by 20 %");
        assertThat(Target.atMost(250).missedBy(500)).isEqualTo(1, within(1e-9));
    }

    @Test
    void aHairsBreadthIsMissedToo() {
        assertThat(Target.atLeast(1).verdict(0.9999)).isEqualTo("missed by 1 %");
    }

    @Test
    void theVerdictOfAFigureIsItsMedians() {
        Figure figure =
                new Figure("workers", "4 workers / 1", "×", Series.of(0.5, 1.1, 1.2), Optional.of(Target.atLeast(1)));

        assertThat(figure.verdict()).isEqualTo("met");
        assertThat(figure.spread()).isEqualTo("0.50–1.20");
    }

    @Test
    void aBoundOfNothingIsRefused() {
        assertThatThrownBy(() -> Target.atMost(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Target.atMost(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void numbersHaveTheDigitsThatTheirSpreadIsWorth() {
        assertThat(Figure.number(12_345.6)).isEqualTo("12,346");
        assertThat(Figure.number(437.6)).isEqualTo("438");
        assertThat(Figure.number(24.06)).isEqualTo("24.1");
        assertThat(Figure.number(0.7)).isEqualTo("0.70");
    }
}
