package dev.postern.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SeriesTest {

    @Test
    void medianIsTheMiddleTurnWhateverTheirOrder() {
        assertThat(Series.of(9, 1, 5).median()).isEqualTo(5);
        assertThat(Series.of(4, 1, 3, 2).median()).isEqualTo(2.5);
        assertThat(Series.of(7).median()).isEqualTo(7);
    }

    @Test
    void aRatioComparesTheTurnsThatWereNextToEachOther() {
        // The machine was half as fast in the second turn, for both.
        Series ours = Series.of(300, 150, 330);
        Series theirs = Series.of(100, 50, 100);

        assertThat(ours.over(theirs).turns()).containsExactly(3.0, 3.0, 3.3);
        assertThat(ours.over(theirs).median()).isEqualTo(3.0);
    }

    @Test
    void aTurnThatOnlyOneHadIsLeftOut() {
        assertThat(Series.of(10, 20, 30).over(Series.of(5, 5)).turns()).containsExactly(2.0, 4.0);
    }

    @Test
    void twoStepsOneAfterTheOtherTakeTheSumOfTheirTimes() {
        assertThat(Series.of(50_000).after(Series.of(50_000)).median()).isEqualTo(25_000, within(1e-6));
        assertThat(Series.of(40_000).after(Series.of(10_000)).median()).isEqualTo(8_000, within(1e-6));
    }

    @Test
    void aFigureWithoutATurnIsRefused() {
        assertThatThrownBy(() -> new Series(List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
