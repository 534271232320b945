import { BarChart, type BarSeriesOption, LineChart, type LineSeriesOption } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { type Series, ticksOf } from '../series'
import type { ChartProps } from './Chart'

register([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

const colors = ['#1098ad', '#e8590c', '#5f3dc4', '#2b8a3e', '#c2255c', '#f08c00', '#1864ab', '#868e96', '#66a80f', '#9c36b5']

/** How wide the label of a time is, with air. */
const labelWidth = 116

/** A line that has nothing beside it is not seen: such a value is a dot. */
const dots = (values: (number | null)[]) =>
  values.map((value, i) => ({ value, symbol: value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? 'circle' : 'none' }))

/** How the parts are drawn. What is not over is drawn otherwise than what is: the last stretch of a line is dashed, the last bar pale. */
function drawnOf(series: Series, figure: string): (BarSeriesOption | LineSeriesOption)[] {
  const last = series.categories.length - 1
  return series.parts.flatMap((p, i): (BarSeriesOption | LineSeriesOption)[] => {
    const pale = p.before !== undefined
    const common = { name: p.name || figure, color: colors[(p.before ?? i) % colors.length], itemStyle: { opacity: pale ? 0.35 : 1 } }
    if (!series.time || series.stacked) {
      const data = p.values.map((value, at) => (series.running && at === last ? { value, itemStyle: { opacity: pale ? 0.2 : 0.5 } } : value))
      return [{ ...common, type: 'bar' as const, stack: series.stacked ? (pale ? 'before' : 'all') : undefined, data, barMaxWidth: 42 }]
    }
    const line = { ...common, type: 'line' as const, connectNulls: false, symbolSize: 5 }
    if (pale) return [{ ...line, id: `${whole}${i}`, data: dots(p.values), lineStyle: { opacity: 0.5, type: 'dashed' as const } }]
    if (!series.running || last < 1) return [{ ...line, id: `${whole}${i}`, data: dots(p.values) }]
    return [
      { ...line, data: dots(p.values.map((v, at) => (at === last ? null : v))) },
      { ...line, id: `${running}${i}`, data: dots(p.values.map((v, at) => (at < last - 1 ? null : v))), lineStyle: { type: 'dashed' as const } },
    ]
  })
}

// What the ids of series begin with that are a part's last stretch, and of those that are not drawn as two.
const running = 'running-'
const whole = 'whole-'

interface Pointed {
  dataIndex: number
  seriesId?: string
  seriesName?: string
  name: string
  marker?: unknown
  value: unknown
}

export default function Drawn({ series, label, figure = '', format, small, onPick, dark }: ChartProps & { dark: boolean }) {
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const pick = useRef(onPick)
  pick.current = onPick
  useEffect(() => {
    const chart = init(box.current!)
    const ink = dark ? '#c9c9c9' : '#495057'
    const line = dark ? '#424242' : '#dee2e6'
    const many = series.parts.length > 1
    const last = series.categories.length - 1
    const bars = !series.time || series.stacked
    const categories = series.running ? series.categories.map((c, i) => (i === last ? t('chart.soFar', { time: c }) : c)) : series.categories
    const axisLabel = () => {
      const ticks = ticksOf(series.starts, Math.max(2, Math.floor((box.current?.clientWidth ?? 800) / labelWidth)))
      const common = { color: ink, width: labelWidth, overflow: 'truncate' as const }
      // What is told of the last is beside others: it ends where the axis does.
      return series.time
        ? { ...common, interval: (i: number) => ticks.includes(i), alignMaxLabel: 'right' as const }
        : { ...common, hideOverlap: true, interval: 0, rotate: series.categories.length > 8 ? 40 : 0 }
    }
    // A part and its last stretch meet in one point, and are one line of the tooltip.
    const tooltip = (pointed: Pointed[]) =>
      [
        pointed[0]?.name ?? '',
        ...pointed
          .filter((p) => !p.seriesId?.startsWith(running) === (p.dataIndex < last) || bars || p.seriesId?.startsWith(whole))
          .map((p) => `${p.marker as string}${p.seriesName ?? ''}: ${p.value == null || p.value === '' ? '–' : format(Number(p.value))}`),
      ].join('\n')
    chart.setOption({
      color: colors,
      animation: false,
      textStyle: { color: ink, fontFamily: 'inherit' },
      grid: { left: 8, right: 12, top: (many ? 40 : 12) + (figure ? 20 : 0), bottom: 4, containLabel: true },
      legend: many ? { type: 'scroll', top: 0, textStyle: { color: ink }, pageTextStyle: { color: ink }, data: series.parts.map((p) => p.name || figure) } : undefined,
      // Tooltips are drawn, not written as HTML: the page's policy allows no styles in attributes, and values are text.
      tooltip: {
        trigger: 'axis', renderMode: 'richText', confine: true, axisPointer: { type: 'shadow' }, formatter: tooltip as never,
        backgroundColor: dark ? '#2e2e2e' : '#fff', borderColor: line, textStyle: { color: ink },
      },
      xAxis: { type: 'category', data: categories, axisLine: { lineStyle: { color: line } }, axisTick: { alignWithLabel: true }, axisLabel: axisLabel() },
      yAxis: { type: 'value', name: figure, nameTextStyle: { color: ink, align: 'left' }, nameGap: 10, axisLabel: { color: ink, formatter: (v: number) => format(v) }, splitLine: { lineStyle: { color: line } } },
      series: drawnOf(series, figure),
    })
    chart.on('click', (e) => pick.current?.(e.dataIndex))
    const resize = new ResizeObserver(() => {
      chart.resize()
      chart.setOption({ xAxis: { axisLabel: axisLabel() } })
    })
    resize.observe(box.current!)
    return () => {
      resize.disconnect()
      chart.dispose()
    }
  }, [series, figure, format, dark, t])
  return <div ref={box} className={small ? 'small-chart' : 'chart'} role="img" aria-label={label} />
}
